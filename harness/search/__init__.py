"""Hyperparameter search with Optuna, one search per arm."""
