//! The operator's entry point: parse the arguments, run. Everything else lives in the library.

fn main() {}
