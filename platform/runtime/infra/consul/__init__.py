"""A small agent with the part of Consul's HTTP API that a trading platform needs.

Catalogue, TTL health checks, key-value store with locks, sessions, and blocking queries, as Consul
documents them (https://developer.hashicorp.com/consul/api-docs). It is one node without Raft, gossip,
access policies or a disk: a restart forgets everything, as `consul agent -dev` does.
"""
