// Key exchanges of the real libstrongswan with values that were drawn by us: whatever it offers and we know
// has to come to the same secret as the other side, and to the same again with the same value.
#include "private_value.h"

#include <stdio.h>

static key_exchange_t* create_ke(keymat_t* this, key_exchange_method_t method) {
  return lib->crypto->create_ke(lib->crypto, method);
}

static keymat_t keymat = {.create_ke = create_ke};

static const key_exchange_method_t methods[] = {
    MODP_768_BIT,  MODP_1024_BIT, MODP_1536_BIT, MODP_2048_BIT, MODP_3072_BIT, MODP_4096_BIT, MODP_1024_160,
    MODP_2048_224, MODP_2048_256, ECP_192_BIT,   ECP_224_BIT,   ECP_256_BIT,   ECP_384_BIT,   ECP_521_BIT,
    ECP_224_BP,    ECP_256_BP,    ECP_384_BP,    ECP_512_BP,    CURVE_25519,   CURVE_448,
};

static bool agree(key_exchange_t* a, key_exchange_t* b) {
  chunk_t public_a, public_b, secret_a = chunk_empty, secret_b = chunk_empty;
  bool same = a->get_public_key(a, &public_a) && b->get_public_key(b, &public_b) &&
              a->set_public_key(a, public_b) && b->set_public_key(b, public_a) &&
              a->get_shared_secret(a, &secret_a) && b->get_shared_secret(b, &secret_b) &&
              chunk_equals(secret_a, secret_b);
  chunk_free(&public_a);
  chunk_free(&public_b);
  chunk_clear(&secret_a);
  chunk_clear(&secret_b);
  return same;
}

static bool same_public(key_exchange_t* a, key_exchange_t* b) {
  chunk_t public_a, public_b;
  bool same =
      a->get_public_key(a, &public_a) && b->get_public_key(b, &public_b) && chunk_equals(public_a, public_b);
  chunk_free(&public_a);
  chunk_free(&public_b);
  return same;
}

// NULL if all is well.
static const char* try_method(key_exchange_method_t method, key_exchange_t* other) {
  const char* problem = NULL;
  chunk_t value, another;
  if (!hasync_private_value_draw(method, &value) || !hasync_private_value_draw(method, &another))
    return "no value is drawn";
  key_exchange_t* first = hasync_private_value_use(&keymat, method, value);
  key_exchange_t* again = hasync_private_value_use(&keymat, method, value);
  key_exchange_t* different = hasync_private_value_use(&keymat, method, another);
  if (!first || !again || !different)
    problem = "a drawn value is not taken";
  else if (!same_public(first, again))
    problem = "the same value gives another public value";
  else if (same_public(first, different))
    problem = "values repeat";
  else if (!agree(first, other))
    problem = "the secrets differ";
  DESTROY_IF(first);
  DESTROY_IF(again);
  DESTROY_IF(different);
  chunk_clear(&value);
  chunk_clear(&another);
  return problem;
}

/* OpenSSL is loaded by a plugin of strongSwan's and unloaded with it: its tables are found by nobody any
 * more. */
const char* __lsan_default_suppressions(void);
const char* __lsan_default_suppressions(void) {
  return "leak:libcrypto.so";
}

int main(void) {
  int failed = 0, tried = 0;
  chunk_t value;
  if (!library_init(NULL, "private_value_test") || !lib->plugins->load(lib->plugins, "random openssl gmp")) {
    puts("libstrongswan cannot be used");
    return 1;
  }
  for (int i = 0; i < countof(methods); i++) {
    key_exchange_t* other = create_ke(&keymat, methods[i]);
    if (!other) continue;
    const char* problem = try_method(methods[i], other);
    if (problem) printf("key exchange %d: %s\n", methods[i], problem);
    failed += problem != NULL;
    tried++;
    other->destroy(other);
  }
  printf("%d key exchanges tried, %d failed\n", tried, failed);
  if (hasync_private_value_draw(NTRU_128_BIT, &value)) {
    puts("a value is drawn for a method that has none");
    failed++;
  }
  library_deinit();
  return failed || tried < 10;
}
