"""Category F: small markets, each made for one complaint, and a picture for each."""
