"""The operating system and other programs: accounts, signals, environment variables, servers, secrets, retries."""
