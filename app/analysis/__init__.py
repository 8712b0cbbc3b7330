"""The functional core: arrays in, frozen results out."""
