#!/usr/bin/env python3
"""Counts the instructions of the innermost loops with vector multiply-adds in a disassembly of 64-bit Arm.

    aarch64-linux-gnu-objdump --disassemble --no-show-raw-insn --demangle PROGRAM | scripts/aarch64/loops.py

A loop is what a branch to an earlier address of the same function closes. Printed are those of the matrix product
(`gemm::neon`), and of the convolutions (`conv::simd`): multiply-adds, loads, all instructions. A load of a pair fills
two registers.
"""

import re
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
BRANCH = re.compile(r"^(?:b\.\w+|b|cbn?z|tbn?z)$")
# At least so many in a loop: smaller ones are those of tails.
FEWEST = 8


def functions(lines):
    """Names, and pairs of an address and an instruction."""
    name, body = None, []
    for line in lines:
        if found := FUNCTION.match(line.strip()):
            if name:
                yield name, body
            name, body = found[1], []
        elif found := INSTRUCTION.match(line):
            body.append((int(found[1], 16), found[2], found[3]))
    if name:
        yield name, body


def loops(body):
    """The bodies of innermost loops: first and last index."""
    places = {address: index for index, (address, _, _) in enumerate(body)}
    found = []
    for index, (_, operation, operands) in enumerate(body):
        if BRANCH.match(operation):
            to = re.search(r"([0-9a-f]+) <", operands)
            start = places.get(int(to[1], 16)) if to else None
            if start is not None and start <= index:
                found.append((start, index))
    return [loop for loop in found if not any(other != loop and loop[0] <= other[0] and other[1] <= loop[1] for other in found)]


def count(instructions):
    multiply_adds = sum(op == "fmla" and ".4s" in operands for _, op, operands in instructions)
    registers = 0
    for _, operation, operands in instructions:
        loaded = re.match(r"^(q\d+|d\d+|s\d+)(?:, (q\d+|d\d+|s\d+))?,", operands)
        if operation in ("ldr", "ldur", "ldp") and loaded:
            registers += 2 if loaded[2] else 1
        elif operation in ("ld1", "ld1r"):
            registers += operands.split("}")[0].count("v")
    instructions_of_loads = sum(
        op in ("ld1", "ld1r") or op in ("ldr", "ldur", "ldp") and re.match(r"[qds]\d", operands) is not None
        for _, op, operands in instructions
    )
    return multiply_adds, registers, instructions_of_loads, len(instructions)


def main():
    print("| loop | multiply-adds | vector registers loaded | load instructions | all | loaded a multiply-add | share of multiply-adds |")
    print("|---|---|---|---|---|---|---|")
    printed = set()
    for name, body in functions(sys.stdin):
        if "yamnet::kernels" not in name:
            continue
        for first, last in loops(body):
            fmla, registers, loads, total = count(body[first : last + 1])
            if fmla < FEWEST:
                continue
            row = (
                f"| {name.replace('|', ' ')} | {fmla} | {registers} | {loads} | {total} | {registers / fmla:.3f} "
                f"| {fmla / total:.0%} |"
            )
            if row not in printed:
                printed.add(row)
                print(row)
    if not printed:
        sys.exit("no loop of multiply-adds: has the program NEON's kernels?")


main()
