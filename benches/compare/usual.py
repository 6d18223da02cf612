"""What a notebook does: librosa loads the recording, TensorFlow's YAMNet analyzes all of it in one call.

    python usual.py FILE SAVED_MODEL THREADS
"""

import sys

import librosa
import tensorflow as tf

from yamnet import laughing


def main() -> None:
    recording, saved_model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    waveform, _ = librosa.load(recording, sr=16_000)
    scores = tf.saved_model.load(saved_model)(waveform).numpy()
    print(f"{laughing(scores)} of {len(scores)} patches")


if __name__ == "__main__":
    main()
