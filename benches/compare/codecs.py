"""What decoding to 16 kHz mono costs giggles and ffmpeg. Run it by codecs.sh.

Both decode the same file in turns, round after round, on one thread; CPU is user and system time of the process, start-up
included. ffmpeg resamples with its default filter, which is less steep than ours.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from common import REPO, WORK, say, table
from pipelines import CLIPS, EVENING, MIX, run

FFMPEG = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1"]
# Name: file, options of ffmpeg's encoder.
CODECS = {
    "WAV, 16 bit, 48 kHz stereo": ("s16_48k.wav", ["-c:a", "pcm_s16le"]),
    "WAV, 24 bit, 48 kHz stereo": ("s24_48k.wav", ["-c:a", "pcm_s24le"]),
    "WAV, 16 bit, 44.1 kHz mono": ("s16_44k.wav", ["-c:a", "pcm_s16le", "-ac", "1", "-ar", "44100"]),
    "WAV, 16 bit, 32 kHz mono": ("s16_32k.wav", ["-c:a", "pcm_s16le", "-ac", "1", "-ar", "32000"]),
    "FLAC, 48 kHz stereo": ("48k.flac", ["-c:a", "flac"]),
    "Vorbis, 48 kHz stereo": ("48k.ogg", ["-c:a", "libvorbis", "-q:a", "5"]),
    "MP3, 48 kHz stereo, 128 kbit/s": ("48k.mp3", ["-c:a", "libmp3lame", "-b:a", "128k"]),
    "AAC, 48 kHz stereo, 128 kbit/s": ("48k.m4a", ["-c:a", "aac", "-b:a", "128k"]),
    "Opus, 48 kHz stereo, 96 kbit/s": ("96k.opus", ["-c:a", "libopus", "-b:a", "96k"]),
    "Opus, 48 kHz mono, 24 kbit/s": ("24k.opus", ["-c:a", "libopus", "-b:a", "24k", "-ac", "1"]),
}


def make_files(minutes: int) -> dict[str, Path]:
    """The recordings, made once: name to file."""
    folder = WORK / f"codecs-{minutes}min"
    files = {name: folder / file for name, (file, _) in CODECS.items()}
    if all(path.exists() for path in files.values()):
        return files
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        clips, mixed = Path(temporary) / "clips.txt", Path(temporary) / "mixed.wav"
        clips.write_text("".join(f"file '{path}'\n" for path in sorted(CLIPS.glob("*.flac"))))
        say(f"mixing {minutes} minutes of sound")
        forever = ["-stream_loop", "-1"]
        sources = [*forever, "-f", "concat", "-safe", "0", "-i", clips, *forever, "-i", EVENING]
        sink = ["-map", "[out]", "-t", str(60 * minutes), "-c:a", "pcm_s24le", mixed]
        subprocess.run([*FFMPEG, *sources, "-filter_complex", MIX, *sink], check=True)
        for name, (_, options) in CODECS.items():
            say(f"encoding {files[name].name}")
            part = files[name].with_stem("part")
            subprocess.run([*FFMPEG, "-y", "-i", mixed, *options, part], check=True)
            part.rename(files[name])
    return files


def bench() -> Path:
    """The program that decodes one file, built."""
    command = ["cargo", "bench", "--locked", "--bench", "stages", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = [json.loads(line).get("executable") for line in built.splitlines() if '"executable":"' in line]
    return Path(found[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare decoding with ffmpeg, codec by codec.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=int, default=30, help="length of the recordings")
    parser.add_argument("--bench", type=Path, help="take this executable of benches/stages.rs, do not build")
    args = parser.parse_args()
    ours = args.bench or bench()
    rows = []
    for name, path in make_files(args.minutes).items():
        say(name)
        theirs = [*FFMPEG, "-i", path, "-ac", "1", "-ar", "16000", "-f", "f32le", "-y", "/dev/null"]
        turns = [(run([ours, path])[0].cpu, run(theirs)[0].cpu) for _ in range(args.rounds)]
        own, other = (median(cpu) for cpu in zip(*turns))
        rows.append([name, f"{own:.2f}", f"{other:.2f}", f"{own / other:.2f}"])
    version = subprocess.run(["ffmpeg", "-version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[2]
    print(f"{args.minutes} minutes, {args.rounds} rounds, ffmpeg {version}\n")
    print(table(["codec", "giggles: CPU, s", "ffmpeg: CPU, s", "giggles / ffmpeg"], rows))


if __name__ == "__main__":
    main()
