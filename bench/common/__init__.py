"""What every benchmark stands on. Importing it continues the program in the environment of requirements.txt."""

from common.environments import enter

enter()
