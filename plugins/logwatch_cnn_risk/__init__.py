"""Risk plugin `cnn`: from a window of metrics, how likely a failure is within the horizon.

Five models learn from the same labelled windows, and the one that is best on windows it has not seen answers: a
convolutional network on the heatmap, a network that reads each row alike and so stands missing and unknown metrics,
a logistic regression on means and slopes, and a rule that needs no labels. Without weights that fit, the rule answers.
"""
