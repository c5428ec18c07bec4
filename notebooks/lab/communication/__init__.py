"""Seven complaints about how services call each other: traffic that shows each of them, and its picture."""
