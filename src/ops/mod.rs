//! Jobs: deploy, drift, and what they share. The screen and the command line call the same functions.
