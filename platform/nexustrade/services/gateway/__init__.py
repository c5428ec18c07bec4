"""The platform's only public door."""
