"""Pictures from which the detector of number plates learns."""
