"""Atrisk: outcome statistics of treatment cohorts as a stateless REST service."""
