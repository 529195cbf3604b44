"""Makes a module of the examples of ops and attributes on a reference page.

Operands that an example does not define become function arguments of the types
that its `ins`, `outs` or trailing type list gives. Examples with `…` are sketches and
are left out. Fails when there is no example for an op.
"""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()


def split(types):
    """At commas outside of brackets."""
    return [t.strip() for t in re.findall(r"(?:[^,<(]|<[^>]*>|\([^)]*\))+", types)]


def operands(example):
    pairs = []
    for names, types in re.findall(r"(?:ins|outs)\(([^:()]*):([^()]*)\)", example):
        pairs += zip([n.strip() for n in names.split(",")], split(types), strict=True)
    if not pairs:
        single = re.search(r"imc\.\w+ (%\w+)[^:]*: (\S+)", example)
        pairs = [single.groups()] if single else []
    return dict(pairs)


count = 0
for section in re.split(r"^### ", text, flags=re.M)[1:]:
    title = re.match(r"`?([\w.]+)`?", section).group(1)
    blocks = re.findall(r"^```mlir\n(.*?)^```", section, re.M | re.S)
    if not blocks:
        if title.startswith("imc.") or title.endswith("Attr"):
            sys.exit(f"{title} has no example")
        continue
    for block in blocks:
        if "…" in block:
            continue
        count += 1
        if title.startswith("imc."):
            arguments = ", ".join(f"{n}: {t}" for n, t in operands(block).items())
            print(f"// CHECK-LABEL: {title}\nfunc.func @example_{count}({arguments}) {{\n{block}  return\n}}")
        else:
            for number, line in enumerate(block.splitlines()):
                attribute = line.split("//")[0].strip()
                print(f"func.func private @attribute_{count}_{number}() attributes {{a = {attribute}}}")
if count < 10:
    sys.exit(f"only {count} examples found")
