"""What the tests of plugins share: conformance classes and problems with known answers."""
