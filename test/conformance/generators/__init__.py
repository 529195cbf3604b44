"""Random valid ONNX models, each a function of a NumPy random generator."""
