//! The command line: one file a subcommand, and the start of everything else.
