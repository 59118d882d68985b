//! Settings and paths: defaults < file < environment < flags.
