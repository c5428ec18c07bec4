"""Profiles and trading accounts."""
