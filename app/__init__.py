"""Atrisk: outcome statistics of treatment cohorts as a stateless REST service."""

__version__ = "0.1.0"
