"""The cpu engine: fused loops compiled for this processor."""
