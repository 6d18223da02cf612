"""Runs commands and writes what they print as an animated SVG: the recording of a terminal.

    terminal.py FILE.svg COMMAND...

The text is the programs' own. Only the pace is not: a command is typed, its output appears at once. Where nothing is animated,
and for readers who prefer reduced motion, all of it is shown. Colours follow the reader's light or dark scheme.
"""

import subprocess
import sys
import textwrap
from html import escape
from pathlib import Path

COLUMNS = 114
SIZE, LINE, MARGIN = 13, 18, 16  # of the letters, from line to line, around the text; in pixels
ADVANCE = 7.83  # of a letter of that size in the usual fonts for terminals: 0.602 of it
TYPED = 0.035  # seconds a letter
READ = 1.2  # seconds before the next command

STYLE = """
  svg { --page: #fbfaf7; --frame: #d9d4c8; --text: #26221c; --prompt: #9a5210 }
  @media (prefers-color-scheme: dark) { svg { --page: #1b1916; --frame: #45403a; --text: #e8e3d9; --prompt: #e39a55 } }
  rect { fill: var(--page); stroke: var(--frame) }
  text { fill: var(--text); white-space: pre; font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
  .prompt { fill: var(--prompt) }
  .command { font-weight: 600 }
  text { animation: appear 0.01s backwards }
  @keyframes appear { from { opacity: 0 } }
  @media (prefers-reduced-motion: reduce) { text { animation: none } }
"""


def printed(command: str) -> list[str]:
    """The lines of a command's output, broken where a terminal of that width would break them."""
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stdout}")
    lines = done.stdout.splitlines()
    return [part for line in lines for part in textwrap.wrap(line, COLUMNS, drop_whitespace=False) or [""]]


def text(y: int, seconds: float, content: str, kind: str = "", x: float = MARGIN) -> str:
    attributes = f' class="{kind}"' if kind else ""
    # As wide as on a terminal, whichever font the reader has.
    width = f' textLength="{ADVANCE * len(content):.1f}" lengthAdjust="spacingAndGlyphs"' if len(content) > 1 else ""
    delay = f' style="animation-delay:{seconds:.2f}s"'
    return f'<text x="{x:.1f}" y="{y}"{attributes}{width}{delay}>{escape(content)}</text>'


def recording(commands: list[str]) -> str:
    shown, y, seconds = [], MARGIN + SIZE, 0.5
    for command in commands:
        shown.append(text(y, 0 if not shown else seconds, "$", "prompt"))
        x = MARGIN + 2 * ADVANCE
        for word in command.split(" "):
            shown.append(text(y, seconds, word, "command", x))
            x += ADVANCE * (len(word) + 1)
            seconds += TYPED * (len(word) + 1)
        y, seconds = y + LINE, seconds + 0.4
        for line in printed(command):
            if line.strip():
                shown.append(text(y, seconds, line.rstrip()))
            y += LINE
        y, seconds = y + LINE // 2, seconds + READ
    width, height = round(2 * MARGIN + COLUMNS * ADVANCE), y - LINE + MARGIN
    frame = f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>'
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    title = f"<title>A terminal: {escape('; '.join(commands))}</title>"
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', title, f"<style>{STYLE}</style>", frame, *shown, "</svg>\n"]
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(recording(sys.argv[2:]), encoding="utf-8")
