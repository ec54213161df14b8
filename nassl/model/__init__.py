"""What the folder of a trained network says about itself: model.json."""
