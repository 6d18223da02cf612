#![no_main]

giggles_fuzz::target!(|bytes: &[u8]| giggles_fuzz::decode::decode(&giggles_fuzz::repair::repair(bytes)));
