"""What the scenarios share: a case that keeps its logs, waiting on events, a bash in a real terminal, llrunctl."""
