"""The 工作台账: as its keeper has it, and as a workbook that two people ask for and sign."""
