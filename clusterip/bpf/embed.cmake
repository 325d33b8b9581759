# cmake -DIN=object -DOUT=file.cpp -P embed.cmake: the object's bytes as a C++ array, so that nothing is looked up at run time
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"clusterip/adapters/gate_object.h\"\n\nnamespace hasync::clusterip {\nnamespace {\nalignas(8) constexpr unsigned char kBytes[] = {${bytes}};\n}  // namespace\nstd::span<const unsigned char> gate_object() { return kBytes; }\n}  // namespace hasync::clusterip\n")
