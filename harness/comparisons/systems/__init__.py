"""Systems from any code, compared by their predictions, by the accuracies of their folds, or by confusion matrices."""
