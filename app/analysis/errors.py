"""What can be wrong with a request for an estimate, without a word of HTTP.

AnalysisError
├── InvalidObservationsError    the arrays are no sample: lengths, ranges, order
├── InvalidParameterError       an option outside its range
└── NoEstimateError             the sample is sound, but the estimate does not exist

Messages name what is wrong and never hold a value of the data: they may be logged.
"""


class AnalysisError(Exception):
    """Base of all errors of the analysis layer; `code` is stable, the message is for people."""

    code = "analysis_error"


class InvalidObservationsError(AnalysisError):
    """The arrays do not describe a sample."""

    code = "invalid_observations"


class InvalidParameterError(AnalysisError):
    """An option lies outside its range."""

    code = "invalid_parameter"


class NoEstimateError(AnalysisError):
    """The estimate does not exist for this sample."""

    code = "no_estimate"
