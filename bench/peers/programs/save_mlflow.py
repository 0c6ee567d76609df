"""Saves LightGBM's model in MLflow's format.

    save_mlflow.py MODEL_FILE DIRECTORY
"""

import sys

import lightgbm
import mlflow.lightgbm

if __name__ == "__main__":
    mlflow.lightgbm.save_model(lightgbm.Booster(model_file=sys.argv[1]), sys.argv[2])
