"""The command line: arguments in, the same steps as everyone else, documented exit codes out."""
