#![no_main]

giggles_fuzz::target!(|bytes: &[u8]| fuzz_targets::decode::decode(&fuzz_targets::repair::repair(bytes)));
