"""What is learned: losses of a network on a batch of images, behind one interface."""
