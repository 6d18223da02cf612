#![no_main]

giggles_fuzz::target!(fuzz_targets::names::names);
