//! The operator's entry point: parse the arguments, run. Everything else lives in the library.

use std::process::ExitCode;

use clap::Parser;
use ecs_operator::operator::{self, arguments::Arguments};

fn main() -> ExitCode {
    operator::main(Arguments::parse())
}
