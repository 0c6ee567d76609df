"""The peers: as they come, by settings chosen by hand (`-by-hand`), and by those of a search (`-tuned`)."""

import numpy as np

WAYS = ("", "-by-hand", "-tuned")
# Of a set with prices, and of one with a class.
OF_PRICES = ("ols", "ridge", *(library + way for library in ("forest", "hist-gb", "lightgbm", "xgboost", "catboost")
                               for way in WAYS))
OF_CLASSES = ("logistic", *("extra-trees" + way for way in WAYS), *OF_PRICES[2:])



def library(peer):
    """A peer's name without its way."""
    return peer.removesuffix("-by-hand").removesuffix("-tuned")


# Rounds at most, and rounds without a gain after which boosting stops, in a search.
MOST_ROUNDS = 3000
PATIENCE = 50
# More levels than this scikit-learn's boosted trees do not take as categories.
MOST_LEVELS = 255

# What somebody who knows the libraries would begin with, and the first trial of a search.
BY_HAND = {
    "forest": {"n_estimators": 300, "max_features": 0.4, "min_samples_leaf": 1},
    "extra-trees": {"n_estimators": 500, "max_features": 0.5, "min_samples_leaf": 1},
    "hist-gb": {"max_iter": 600, "learning_rate": 0.05, "max_leaf_nodes": 48, "min_samples_leaf": 10,
                      "l2_regularization": 0.1, "max_features": 0.6},
    "lightgbm": {"n_estimators": 1500, "num_leaves": 48, "learning_rate": 0.03, "min_child_samples": 10,
                       "subsample": 0.8, "colsample_bytree": 0.6, "reg_lambda": 1.0, "cat_smooth": 20.0},
    "xgboost": {"n_estimators": 1500, "max_depth": 6, "learning_rate": 0.03, "subsample": 0.8,
                      "colsample_bytree": 0.6, "min_child_weight": 3.0, "reg_lambda": 1.0},
    "catboost": {"iterations": 3000, "depth": 7, "learning_rate": 0.04, "l2_leaf_reg": 3.0,
                       "random_strength": 1.0},
}

# Name of a setting -> from, to, and whether it is drawn evenly by factors; whole numbers are drawn from whole ones.
SPACES = {
    "forest": {"max_features": (0.15, 1.0, False), "min_samples_leaf": (1, 5, False)},
    "extra-trees": {"max_features": (0.1, 1.0, False), "min_samples_leaf": (1, 4, False)},
    "hist-gb": {"learning_rate": (0.03, 0.15, True), "max_leaf_nodes": (15, 127, True),
                      "min_samples_leaf": (3, 50, True), "l2_regularization": (0.001, 10.0, True),
                      "max_features": (0.4, 1.0, False)},
    "lightgbm": {"num_leaves": (15, 255, True), "learning_rate": (0.02, 0.2, True),
                       "min_child_samples": (1, 50, True), "subsample": (0.5, 1.0, False),
                       "colsample_bytree": (0.3, 1.0, False), "reg_lambda": (0.01, 30.0, True),
                       "cat_smooth": (1.0, 100.0, True)},
    "xgboost": {"max_depth": (4, 14, False), "learning_rate": (0.02, 0.2, True), "subsample": (0.5, 1.0, False),
                      "colsample_bytree": (0.3, 1.0, False), "min_child_weight": (0.1, 20.0, True),
                      "reg_lambda": (0.01, 30.0, True)},
    "catboost": {"depth": (5, 10, False), "learning_rate": (0.03, 0.2, True), "l2_leaf_reg": (1.0, 20.0, True),
                       "random_strength": (0.1, 3.0, True)},
}

# What the number of rounds is called, where they are chosen by stopping early.
ROUNDS = {"hist-gb": "max_iter", "lightgbm": "n_estimators", "xgboost": "n_estimators",
          "catboost": "iterations"}


def suited(name, table):
    """The features in the form that a peer takes categories in."""
    features = table.features.copy()
    for category in table.categories:
        if name.startswith("catboost"):
            features[category] = features[category].astype(str)
        elif name.startswith("hist-gb"):
            # By the dtype: categories where it can, else the level's number.
            if features[category].cat.categories.size > MOST_LEVELS:
                features[category] = features[category].cat.codes.astype(float)
        elif not name.startswith(("lightgbm", "xgboost")):
            features[category] = features[category].astype(object)
    return features


def _columns(name, features, table):
    """What a peer without categories of its own sees: columns of 0 and 1, numbers imputed and scaled."""
    from sklearn import compose, impute, pipeline, preprocessing

    numbers = [column for column in features.columns if column not in table.categories]
    if name.startswith("forest") and not table.is_class:
        # Levels' mean targets, out of fold in training: a forest would need a split for each of hundreds of columns.
        levels = preprocessing.TargetEncoder(target_type="continuous", random_state=0)
    else:
        levels = preprocessing.OneHotEncoder(handle_unknown="ignore", min_frequency=5)
    scaled = pipeline.make_pipeline(impute.SimpleImputer(strategy="median", add_indicator=True),
                                    preprocessing.StandardScaler())
    return compose.make_column_transformer((levels, table.categories), (scaled, numbers))


def model(name, features, table, settings):
    """The peer, unfitted."""
    kind = "Classifier" if table.is_class else "Regressor"
    if name.startswith("lightgbm"):
        import lightgbm
        bagging = {"subsample_freq": 1} if settings else {}
        return getattr(lightgbm, f"LGBM{kind}")(**settings, **bagging, verbose=-1, random_state=0)
    if name.startswith("xgboost"):
        import xgboost
        return getattr(xgboost, f"XGB{kind}")(**settings, enable_categorical=True, tree_method="hist", random_state=0)
    if name.startswith("catboost"):
        import catboost
        return getattr(catboost, f"CatBoost{kind}")(**settings, cat_features=table.categories, verbose=0,
                                                    random_seed=0, allow_writing_files=False)
    from sklearn import ensemble, linear_model, pipeline
    if name.startswith("hist-gb"):
        return getattr(ensemble, f"HistGradientBoosting{kind}")(**{"random_state": 0, **settings})
    if name == "ols":
        last = linear_model.LinearRegression()
    elif name == "ridge":
        last = linear_model.RidgeCV(np.logspace(-2, 4, 13))
    elif name == "logistic":
        last = linear_model.LogisticRegression(max_iter=2000)
    else:
        trees = "RandomForest" if name.startswith("forest") else "ExtraTrees"
        last = getattr(ensemble, trees + kind)(**settings, n_jobs=-1, random_state=0)
    return pipeline.make_pipeline(_columns(name, features, table), last)


def estimates(fitted, features, table):
    """What a fitted peer says: logarithms of prices, or probabilities of the class."""
    return fitted.predict_proba(features)[:, 1] if table.is_class else fitted.predict(features)


def stopped_early(name, features, table, settings, learn, check):
    """Fits on the rows `learn`, boosting until `check` gets no better; the model, and its rounds (None where there are
    none to choose)."""
    if name in ROUNDS:
        settings = {**settings, ROUNDS[name]: MOST_ROUNDS}
    if name == "hist-gb":
        settings |= {"early_stopping": True, "n_iter_no_change": PATIENCE, "scoring": "loss"}
    if name == "xgboost":
        settings["early_stopping_rounds"] = PATIENCE
    fitted = model(name, features, table, settings)
    rows, target = features.iloc[learn], table.target[learn]
    held = features.iloc[check], table.target[check]
    if name == "hist-gb":
        fitted.fit(rows, target, X_val=held[0], y_val=held[1])
        return fitted, fitted.n_iter_
    if name == "lightgbm":
        import lightgbm
        fitted.fit(rows, target, eval_set=[held], callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])
        return fitted, fitted.best_iteration_
    if name == "xgboost":
        fitted.fit(rows, target, eval_set=[held], verbose=False)
        return fitted, fitted.best_iteration + 1
    if name == "catboost":
        fitted.fit(rows, target, eval_set=held, early_stopping_rounds=PATIENCE, use_best_model=True)
        return fitted, fitted.get_best_iteration() + 1
    return fitted.fit(rows, target), None
