#![no_main]

giggles_fuzz::target!(giggles_fuzz::detection::detection);
