"""Figures: VPE's and ESP's engines against the cipher alone, each other and a second core; packets lost to windows; no input or output.

Variant: how many rounds of each comparison (40). Draws the throughputs as `vpe.svg` beside the results.
"""
import json
import os
import statistics
import subprocess

_SIZES = (64, 128, 256, 512, 1024, 1420)
_LEFT, _TOP, _WIDTH, _HEIGHT = 60, 50, 420, 260
_COLOURS = {"raw": "#888888", "vpe": "#2f6f9f", "esp": "#c9862b"}
_WORDS = {"raw": "intel-ipsec-mb alone", "vpe": "VPE", "esp": "ESP, simple"}


def play(bed, rounds="40"):
    done = subprocess.run([bed.program("vpe/bench_vpe"), "--rounds", rounds], capture_output=True, text=True, check=True)
    samples = json.loads(done.stdout)["samples"]
    bed.facts["samples"] = samples
    with open(os.path.join(bed.evidence, "vpe.svg"), "w") as file:
        file.write(figure({key: statistics.median(values) for key, values in samples.items()}))


def _axes(left, most, title):
    out = [f'<text x="{left}" y="20" font-weight="bold">{title}</text>',
           f'<text x="{left}" y="38">Gbit/s of inner packets, AES-128-GCM</text>']
    for part in range(5):
        y = _TOP + _HEIGHT * (1 - part / 4)
        out.append(f'<path d="M {left} {y:.0f} h {_WIDTH}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{most * part / 4:.0f}</text>')
    return out


def _single_core(medians):
    """By size of packet: the cipher alone, VPE, ESP."""
    most = max(medians[f"raw_encrypt_gbps_{size}"] for size in _SIZES) * 1.05
    out = _axes(_LEFT, most, "One core, encryption")
    step = _WIDTH / (len(_SIZES) - 1)
    for place, size in enumerate(_SIZES):
        out.append(f'<text x="{_LEFT + place * step:.0f}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{size}</text>')
    for number, (who, colour) in enumerate(_COLOURS.items()):
        points = [(_LEFT + place * step, _TOP + _HEIGHT * (1 - medians[f"{who}_encrypt_gbps_{size}"] / most))
                  for place, size in enumerate(_SIZES)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{_LEFT + 12}" y="{_TOP + 16 + 16 * number}" fill="{colour}">{_WORDS[who]}</text>')
    out.append(f'<text x="{_LEFT + _WIDTH / 2:.0f}" y="{_TOP + _HEIGHT + 36}" text-anchor="middle">bytes of the inner packet</text>')
    return out


def _several_cores(medians):
    """Each packet sealed and opened by the same core."""
    left = _LEFT * 2 + _WIDTH + 20
    bars = (("VPE, 1 core", "vpe_gbps_1_core", "vpe"), ("VPE, 2", "vpe_gbps_2_cores", "vpe"),
            ("ESP simple", "esp_simple_gbps", "esp"), ("parallel, 1", "esp_parallel_gbps_1_core", "esp"),
            ("parallel, 2", "esp_parallel_gbps_2_cores", "esp"))
    most = max(medians[key] for _, key, _ in bars) * 1.1
    out = _axes(left, most, "1420 bytes, encryption and decryption of each packet")
    step = _WIDTH / len(bars)
    for place, (name, key, who) in enumerate(bars):
        height = _HEIGHT * medians[key] / most
        x, y = left + place * step, _TOP + _HEIGHT - height
        out.append(f'<rect x="{x + 12:.0f}" y="{y:.0f}" width="{step - 24:.0f}" height="{height:.0f}" fill="{_COLOURS[who]}"/>'
                   f'<text x="{x + step / 2:.0f}" y="{y - 4:.0f}" text-anchor="middle">{medians[key]:.0f}</text>'
                   f'<text x="{x + step / 2:.0f}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{name}</text>')
    return out


def figure(medians):
    width, height = 3 * _LEFT + 2 * _WIDTH + 20, _TOP + _HEIGHT + 50
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>']
    return "\n".join([*head, *_single_core(medians), *_several_cores(medians), "</svg>", ""])
