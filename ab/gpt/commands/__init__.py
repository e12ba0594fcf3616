"""The sub-commands, a module a room: each command is a function whose signature is its flags.

What a command needs is imported inside it, so that `--help` answers at once.
"""
