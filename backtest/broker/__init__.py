"""The account: costs, fees, slippage, impact, margin, funding, liquidation, sizers."""
