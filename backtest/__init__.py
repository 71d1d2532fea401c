"""The top floor: runner, broker, results, checks, report and command line."""
