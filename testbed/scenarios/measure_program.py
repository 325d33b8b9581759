"""Figures: what one packet costs in the eBPF programs, gate included, as the kernel counts it (BPF_PROG_TEST_RUN).

10 000 SAs are in the gate; each sample is the mean of 100 000 runs. Variant: how many samples (20).
"""
import json
import subprocess

_ROWS = {"esp_leaves": "program_ns", "esp_in_udp_leaves": "program_udp_ns", "esp_arrives": "program_ingress_ns"}


def play(bed, times="20"):
    samples = {key: [] for key in _ROWS.values()}
    for _ in range(int(times)):
        done = subprocess.run([bed.program("clusterip/bench_gate"), "--benchmark_format=json", "--benchmark_filter=^esp_"],
                              capture_output=True, text=True, check=True)
        for one in json.loads(done.stdout)["benchmarks"]:
            if one.get("error_occurred"):
                raise RuntimeError(f"{one['name']}: {one['error_message']}")
            samples[_ROWS[one["run_name"].split("/")[0]]].append(one["real_time"])
    bed.facts["samples"] = samples
