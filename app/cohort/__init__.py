"""From a treatment cohort to analysis rows and results. Pure, like the analysis layer."""
