"""`python -m logwatch` is the command `logwatchd`."""

from logwatch.cli import main

if __name__ == "__main__":
    main()
