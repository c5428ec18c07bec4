"""HTTP plumbing that both web frameworks share."""

from shared.http.problems import problem, problem_of

__all__ = ["problem", "problem_of"]
