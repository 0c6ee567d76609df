"""How far estimates are from prices: ours and the peers on one split."""
