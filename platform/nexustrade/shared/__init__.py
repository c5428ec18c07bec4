"""What the ten services share; import the modules, this package exports nothing itself."""
