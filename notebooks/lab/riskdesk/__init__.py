"""The risk desk's six complaints: traffic that shows each of them, and its picture."""
