"""Turns answers into what a person reads in a terminal. Pure: values in, renderables out."""
