"""Pictures of what a cache does wrong, a module for each; the crowd of readers is that of incident 05."""
