"""For `growth`: the homes that are drawn, their schema, LightGBM's fit."""
